from dataclasses import replace

from sharprates.theory.setting import PARALLEL, Setting


def test_only_parallel_samplers_with_a_normalised_denoiser_have_a_step_law() -> None:
    plain = Setting(length=3, vocabulary=2)
    assert all(replace(plain, sampler=name).has_step_law for name in PARALLEL)
    for name in ("fhs", "blocks", "policy"):
        assert not replace(plain, sampler=name).has_step_law
    assert replace(plain, sampler="mine", custom_rule=True).has_step_law
    assert not replace(plain, normalised=False).has_step_law
