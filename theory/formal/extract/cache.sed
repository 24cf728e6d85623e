# The type of finite functions is built once for two enumerations; its name and theirs differ between
# MathComp 1.15 and 2.3.
s/^let finfun_finType aT rT =$/& Cache.finite_type (Finite.EnumDef.enum aT) (Finite.EnumDef.enum rT) @@ fun () ->/
s/^let finfun_finfun_of__canonical__fintype_Finite aT rT =$/& Cache.finite_type (FiniteNES.Finite.Coq_enum.body aT) (FiniteNES.Finite.Coq_enum.body rT) @@ fun () ->/
