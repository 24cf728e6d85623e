"""One profile for every property test: same examples every run, and a blob to replay a failure."""

import gc
import os
import re

# xdist workers share the cores: one thread each, which also makes float sums reproducible. BLAS
# reads this when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, settings
from sharprates.verification.statistics.budget import Budget, Ledger

pytest_plugins = ("sharprates.verification.pytest_plugin",)

settings.register_profile(
    "sharprates",
    derandomize=True,
    print_blob=True,
    deadline=None,
    max_examples=50,
    # Building a target is slow for hypothesis' taste, on a loaded machine above all.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sharprates")

torch.set_num_threads(1)

# One false-alarm budget for the whole suite, shared out over the files that draw samples. Such a
# file lists its statistical checks in CHECKS, and each of them gets its level once.
STATISTICAL_FILES = (
    "samplers/test_sampling.py",
    "samplers/test_parallel.py",
    "samplers/test_first_hitting.py",
    "samplers/test_hitting_law.py",
    "samplers/test_sampler.py",
    "samplers/test_blocks.py",
    "samplers/test_kept_draws.py",
    "samplers/test_policy_sampler.py",
    "samplers/test_remasking.py",
    "samplers/test_speculative.py",
    "samplers/test_markov.py",
    "verification/statistics/test_laws.py",
    "verification/statistics/test_distribution.py",
    "verification/statistics/test_homogeneity.py",
    "verification/statistics/test_empirical_tv.py",
    "verification/statistics/test_bounded_mean.py",
    "verification/planning/test_sampled_growth.py",
    "verification/planning/test_sampled_tv.py",
    "verification/test_certificate.py",
    "verification/statistics/test_step_tests.py",
    "verification/test_empirical.py",
    "verification/test_sampled_audit.py",
    "verification/conformance/test_checker.py",
    "verification/conformance/test_declarations.py",
    "verification/conformance/test_defects.py",
    "verification/conformance/test_fixture.py",
    "verification/conformance/test_scope.py",
    "verification/conformance/test_fresh_defects.py",
    "peers/test_adapters.py",
    "verification/test_claims.py",  # a hundredth of a budget, see verification.checks.laws.LEVELS
)


@pytest.fixture(scope="module")
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """The levels of a test file's statistical checks."""
    name = request.path.relative_to(request.config.rootpath / "tests").as_posix()
    return Ledger(Budget().share(STATISTICAL_FILES)[name], request.module.CHECKS)


LONG = (
    "verification/cli/test_audit.py",
    "verification/test_jobs.py",
    "verification/test_claims.py",
    "verification/conformance/test_fresh_defects.py",
    "test_wheel.py",
    "verification/conformance/test_named.py",
    "verification/conformance/test_scope.py",
    "verification/conformance/test_defects.py",
    "verification/conformance/test_declarations.py",
    "verification/cli/test_terminal.py",
    "verification/cli/test_plan.py",
    "theory/proofs/test_proof.py",
    "verification/conformance/test_checker.py",
    "verification/conformance/looks/test_rare_tokens.py",
    "verification/test_audit.py",
    "verification/planning/test_planner.py",
    "samplers/test_gumbel.py",
    "samplers/test_parallel.py",
    "mutants/test_session.py",
)
"""Files in the order in which they are begun; all others after them."""

PAGE = re.compile(r"check_browser\.py::.*\[([\w/]+(\.html)?)\]$")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long files first, so that no process is left with one when the others have ended."""
    tests = config.rootpath / "tests"
    rank = {tests / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path, len(LONG)))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Garbage is not looked for among the tests and libraries, which are millions of objects."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """The tests of a file run in one process, which keeps what they share; so do those of a page.

    The mark xdist_group says the same, but pytest-xdist 3.8 cannot put it into the node ids of
    pytest 9.2, and is silent about it.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if page := PAGE.search(nodeid):
                return page[1]
            file = nodeid.partition("::")[0]
            return nodeid if file.endswith("check_browser.py") else file

    config.option.loadscopereorder = False  # the order of `LONG`
    return Together(config, log)
