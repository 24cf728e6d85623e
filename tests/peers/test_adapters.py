"""Adapters of published samplers, run where the project is installed or a checkout is named."""

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.objects import load_object
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.denoiser_table import order_dependent_denoiser
from sharprates.verification.conformance.findings import FAST, Outcome
from sharprates.verification.conformance.oracle import Oracle
from sharprates.verification.statistics.budget import Ledger

from tests.peers.adapters import bridge, checkouts

INSTALLED = {
    "flow_matching": "flow_matching:sampler",
    "bionemo": "bionemo_moco:mdlm",
    "evodiff": "evodiff:sampler",
    "diffusers": "diffusers:block_refinement",
}
CHECKOUTS = {
    "mdlm": "SHARPRATES_MDLM",
    "sedd_euler": "SHARPRATES_SEDD",
    "sedd_analytic": "SHARPRATES_SEDD",
    "bd3lm": "SHARPRATES_BD3LMS",
    "llada_random": "SHARPRATES_LLADA",
    "llada_low_confidence": "SHARPRATES_LLADA",
}
CHECKS = (*INSTALLED, *CHECKOUTS)


@pytest.mark.parametrize("project", INSTALLED)
def test_an_installed_project_conforms(project: str, ledger: Ledger) -> None:
    if importlib.util.find_spec(project) is None:
        pytest.skip(f"{project} is not installed here; `make peers` checks it in its own place")
    sampler = load_object(f"tests.peers.adapters.{INSTALLED[project]}", "SAMPLER")
    found = check(sampler, ledger.take(project), FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)


@pytest.mark.parametrize("name", CHECKOUTS)
def test_a_checkout_conforms(name: str, ledger: Ledger) -> None:
    if CHECKOUTS[name] not in os.environ:
        pytest.skip(f"{CHECKOUTS[name]} names no checkout")
    found = check(getattr(checkouts, name), ledger.take(name), replace(FAST, limit=120))
    assert found.outcome is Outcome.CONFORMS, str(found)


def test_a_missing_checkout_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHARPRATES_LLADA", raising=False)
    with pytest.raises(InputError, match="SHARPRATES_LLADA"):
        checkouts.checkout("SHARPRATES_LLADA")
    found = check(checkouts.llada_random, settings=FAST)
    assert found.outcome is Outcome.FAILS
    assert "must name the folder of a checkout" in found.sentence


def test_a_file_is_read_without_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sampling.py").write_text(
        "import not_there.deep as deep\n"
        "from not_there import Base\n"
        "import helper_of_theirs\n"
        "class Sampler(Base):\n"
        "    def rule(self):\n"
        "        return helper_of_theirs.VALUE\n"
        "class Deep(deep.Any.Thing):\n"
        "    pass\n"
    )
    (tmp_path / "helper.py").write_text("VALUE = 7\n")
    monkeypatch.setenv("SHARPRATES_PROBE", str(tmp_path))
    module = checkouts.load(
        "SHARPRATES_PROBE",
        "sampling.py",
        ("not_there", "not_there.deep"),
        ("helper_of_theirs=helper.py",),
    )
    assert module.Sampler().rule() == 7
    assert importlib.util.find_spec("not_there") is None


def test_predictions_with_a_mask_column() -> None:
    oracle = Oracle(order_dependent_denoiser(3, 2, 0))
    x = torch.tensor([[2, 1, 2], [0, 2, 2]])
    p = bridge.probabilities(oracle, x)
    assert p.shape == (2, 3, 3)
    assert torch.allclose(p.sum(-1), torch.ones(2, 3, dtype=torch.float64))
    assert p[0, 1].tolist() == [0, 1, 0]
    assert p[1, 0].tolist() == [1, 0, 0]
    assert torch.equal(p[0, 0, :2], oracle(x)[0, 0])


def test_clocks_of_other_projects() -> None:
    t = torch.tensor([0.25, 1.0], dtype=torch.float64)
    assert torch.allclose(bridge.log_linear(1e-3).alpha(t), 1 - 0.999 * t)
    assert torch.allclose(bridge.kappa_power(2).alpha(t), (1 - t) ** 2)
