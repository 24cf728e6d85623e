(* Tables. Their keys are plain data: symbols, positions, finite functions, enumerations. *)

(* A function that remembers its values. *)
let remembering f =
  let known = Hashtbl.create 64 in
  fun x ->
    match Hashtbl.find_opt known x with
    | Some y -> y
    | None -> let y = f x in Hashtbl.add known x y; y

let types : (Obj.t, Obj.t) Hashtbl.t = Hashtbl.create 16

(* A finite type built from two others is known by their enumerations. *)
let finite_type first second build =
  let key = Obj.repr (first, second) in
  match Hashtbl.find_opt types key with
  | Some found -> Obj.obj found
  | None -> let made = build () in Hashtbl.add types key (Obj.repr made); made
