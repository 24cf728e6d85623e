"""Check published samplers in environments of their own: `make peers`.

Builds build/peers/NAME (torch, this package without its dependencies, and the project, without
dependencies where its pins pull in gigabytes; every version stands in pins/NAME.txt), runs
`sharprates check` there, and writes results.json and results.md beside this file. Git-only samplers
are checked where the environment or `--checkout` names a checkout (see adapters/checkouts.py).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "peers"
HERE = Path(__file__).resolve().parent
# Names alone: versions are those of the pins, since numpy, for one, is older in some environments.
OWN = [
    re.split("[<>=]", one)[0]
    for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
]

# environment → packages with dependencies, and packages without, named in the results
ENVIRONMENTS = {
    "flow_matching": (("tqdm", "torchdiffeq"), ("flow_matching",)),
    "bionemo_moco": (
        ("numpy", "pydantic", "jaxtyping", "pot", "tqdm", "scikit-learn"),
        ("bionemo-moco",),
    ),
    "evodiff": (
        ("pandas", "scikit-learn", "seaborn", "biopython", "lmdb", "tqdm", "setuptools"),
        ("evodiff", "sequence-models", "fair-esm"),
    ),
    "diffusers": (
        ("huggingface_hub", "safetensors", "regex", "requests", "pillow", "importlib_metadata"),
        ("diffusers",),
    ),
    "bitnet_dllm": (("pydantic", "accelerate", "tqdm"), ("bitnet-dllm",)),
    "dlmserve": (("transformers", "prometheus-client"), ("dlmserve",)),
    "d3_dna": (("pytorch-lightning", "omegaconf", "einops", "h5py", "tqdm"), ("d3-dna",)),
}

# adapter → environment, expected exit code
CHECKS = {
    "flow_matching:sampler": ("flow_matching", 0),
    "flow_matching:linear": ("flow_matching", 0),
    "flow_matching:as_ancestral": ("flow_matching", 1),
    "bionemo_moco:mdlm": ("bionemo_moco", 0),
    "bionemo_moco:mdlm_logits_kept": ("bionemo_moco", 1),
    "bionemo_moco:mdlm_cold": ("bionemo_moco", 1),
    "bionemo_moco:flow": ("bionemo_moco", 0),
    "bionemo_moco:flow_cold": ("bionemo_moco", 0),
    "bionemo_moco:flow_default": ("bionemo_moco", 3),
    "evodiff:sampler": ("evodiff", 0),
    "evodiff:expected_independent": ("evodiff", 1),
    "diffusers:block_refinement": ("diffusers", 0),
    "diffusers:block_refinement_as_exact": ("diffusers", 1),
    "diffusers:amused": ("diffusers", 1),
    "diffusers:amused_default": ("diffusers", 3),
    "bitnet_dllm:sampler": ("bitnet_dllm", 0),
    "bitnet_dllm:as_filled": ("bitnet_dllm", 1),
    "bitnet_dllm:nucleus": ("bitnet_dllm", 1),
    "dlmserve:sampler": ("dlmserve", 0),
    "dlmserve:blocks": ("dlmserve", 0),
    "dlmserve:drawn": ("dlmserve", 0),
    "dlmserve:drawn_as_exact": ("dlmserve", 1),
    "d3_dna:euler": ("d3_dna", 0),
    "d3_dna:analytic": ("d3_dna", 0),
}
CHECKOUTS = {
    "checkouts:mdlm": ("SHARPRATES_MDLM", 0),
    "checkouts:mdlm_early": ("SHARPRATES_MDLM", 0),
    "checkouts:mdlm_early_as_filled": ("SHARPRATES_MDLM", 1),
    "checkouts:sedd_euler": ("SHARPRATES_SEDD", 0),
    "checkouts:sedd_analytic": ("SHARPRATES_SEDD", 0),
    "checkouts:bd3lm": ("SHARPRATES_BD3LMS", 0),
    "checkouts:llada_random": ("SHARPRATES_LLADA", 0),
    "checkouts:llada_low_confidence": ("SHARPRATES_LLADA", 0),
    "checkouts:llada_low_confidence_as_exact": ("SHARPRATES_LLADA", 1),
    "checkouts:fast_dllm": ("SHARPRATES_FAST_DLLM", 0),
    "checkouts:fast_dllm_one_a_step": ("SHARPRATES_FAST_DLLM", 1),
    "checkouts:remdm": ("SHARPRATES_REMDM", 0),
    "checkouts:remdm_as_mdlm": ("SHARPRATES_REMDM", 1),
}
# function of lines.py → environment, checkouts that it needs, what it answers, and what had been
# noted of it before this project measured it
SUITES = ("SHARPRATES_FLOW_MATCHING", "SHARPRATES_HACKABLE_DIFFUSION", "SHARPRATES_DLLM")
LINES = {
    "flow_matching_rule": (
        "flow_matching",
        (),
        "Which rule does flow_matching's solver follow?",
        "τ-leaping with max z 1.9, ancestral with z 20, on a law that was not kept; z grows with "
        "the distance of the two rules on the law",
    ),
    "moco_temperature": (
        "bionemo_moco",
        (),
        "Does temperature change bionemo-moco's unmask rate?",
        "0.80 at T = 0.5; that the end-to-end law hides it, which three tokens and three steps do "
        "not: see the verdict on temperature 0.5 above",
    ),
    "low_confidence": (
        None,
        (),
        "Exact TV of the law of low_confidence to the model's law",
        "0.097 on a law that was not kept: it depends on the law. ABAB or BABA is the case that "
        "LLaDA's issue 75 asks about",
    ),
    "llada_remasking": (
        None,
        ("SHARPRATES_LLADA",),
        "The same, of samples of LLaDA's own code",
        "random is exactly the model's law, low_confidence is not",
    ),
    "float32_gumbel": (
        None,
        (),
        "Rare tokens by float32 Gumbel noise, drawn over true",
        "1e-7 ×0.73, 1e-8 ×0.015, 1e-9 never; with −log(−log u) and u = 0 kept ×1.33 and ×6",
    ),
    "test_suites": (
        None,
        SUITES,
        "Test files of projects that count samples at all",
        "none checks a distribution. None checks a sampler's: hackable_diffusion compares "
        "frequencies of its forward process at the last time with a tolerance of 0.1",
    ),
}

PREFIX = "SHARPRATES_"
WANTED = {*SUITES, *(variable for variable, _ in CHECKOUTS.values())}
"""Variables that may name a checkout."""


def build(name: str) -> Path:
    """The bin folder of an environment, made if it is not there with these very pins."""
    place, pins = BUILD / name, HERE / "pins" / f"{name}.txt"
    stamp = place / "installed"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        print(f"{name}: installing", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip = [place / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-c", pins]
        full, bare = ENVIRONMENTS[name]
        subprocess.run([*pip, *OWN, *full], check=True)
        subprocess.run([*pip, "--no-deps", *bare, "-e", ROOT], check=True)
        stamp.write_text(pins.read_text())
    return place / "bin"


def versions(python: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Installed versions, as that environment's pip says."""
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"], check=True, capture_output=True
    )
    found = {
        one["name"].lower().replace("_", "-"): one["version"] for one in json.loads(listed.stdout)
    }
    names = (one.lower().replace("_", "-") for one in packages)
    return {name: found[name] for name in names if name in found}


def commit(variable: str) -> str:
    """The commit of a checkout, if it is one."""
    place = Path(os.environ[variable]).resolve()
    found = subprocess.run(
        ["git", "-C", place, "rev-parse", "--show-toplevel", "HEAD"], capture_output=True, text=True
    )
    top, _, head = found.stdout.strip().partition("\n")
    # A folder copied into another repository has that one's commit.
    return head if top and Path(top).resolve() == place else "unknown"


def check(
    binary: Path, adapter: str, out: Path, options: list[str]
) -> tuple[int, dict[str, object]]:
    """Exit code and JSON of one check."""
    name = f"tests.peers.adapters.{adapter}"
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1"}
    out.unlink(missing_ok=True)
    done = subprocess.run(
        [binary / "sharprates", "check", name, *options, "--json", out],
        cwd=ROOT,
        env=quiet,
        capture_output=True,
        text=True,
    )
    if not out.exists():  # no verdict, and so no exit code that may be the expected one
        return -1, {"sentence": done.stderr.strip()}
    return done.returncode, json.loads(out.read_text())


def checked(
    adapter: str, environment: str | None, expected: int, variable: str, options: list[str]
) -> dict:
    """One row of the results."""
    binary = Path(sys.executable).parent if environment is None else build(environment)
    used = ("torch", "numpy", *(ENVIRONMENTS[environment][1] if environment else ()))
    started = time.monotonic()
    code, found = check(binary, adapter, BUILD / "verdict.json", options)
    row = {
        "command": f"sharprates check tests.peers.adapters.{adapter}",
        "options": " ".join(options),
        "versions": versions(binary / "python", used),
        "exit": code,
        "expected": expected,
        "seconds": round(time.monotonic() - started, 1),
        "name": found.get("name"),
        "declared": found.get("declared"),
        "sentence": found["sentence"],
        "checks": found.get("checks"),
        "not_looked_at": found.get("not_looked_at"),
    }
    if variable:
        row["commit"] = commit(variable)
    return row


def line(name: str, before: list[dict], run: bool = True) -> list[dict]:
    """A single number, or what was recorded where a checkout is missing; nothing without either."""
    environment, variables, question, noted = LINES[name]
    command = f"python tests/peers/lines.py {name}"
    if not run or not all(one in os.environ for one in variables):
        return [{**row, "noted": noted} for row in before if row["command"] == command]
    binary = Path(sys.executable).parent if environment is None else build(environment)
    done = subprocess.run(
        [binary / "python", HERE / "lines.py", name],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    result = done.stdout.strip()
    row = {"question": question, "command": command, "result": result, "noted": noted}
    if environment is not None:
        row["versions"] = versions(binary / "python", ENVIRONMENTS[environment][1])
    if variables:
        row["commits"] = {one: commit(one) for one in variables}
    print(name, row["result"], flush=True)
    return [row]


def main() -> int:
    """Run everything, or what is named; 0 if each verdict is the one that is known."""
    known = [*CHECKS, *CHECKOUTS, *LINES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(known)}; all by default")
    parser.add_argument(
        "--checkout",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="where a project is checked out, LLADA=../LLaDA say; NAME is one of "
        + ", ".join(sorted({one.removeprefix(PREFIX) for one in WANTED})),
    )
    for option in ("--samples", "--limit"):
        parser.add_argument(option, type=int, help="of each `sharprates check`")
    given = parser.parse_args()
    names, options = given.names, []
    for option in ("samples", "limit"):
        if (value := getattr(given, option)) is not None:
            options += [f"--{option}", str(value)]
    for one in given.checkout:
        name, _, folder = one.partition("=")
        if PREFIX + name not in WANTED or not Path(folder).is_dir():
            parser.error(f"--checkout {one}: need NAME=FOLDER, of a known name and a folder")
        os.environ[PREFIX + name] = str(Path(folder).resolve())
    if unknown := [name for name in names if name not in known]:
        parser.error(f"{', '.join(unknown)}: unknown")
    chosen = set(names or known)
    BUILD.mkdir(parents=True, exist_ok=True)
    old = json.loads((HERE / "results.json").read_text())
    before = {row["command"]: row for row in old["checks"]}
    rows = []
    wanted = [(adapter, *rest, "") for adapter, rest in CHECKS.items()]
    wanted += [(adapter, None, code, name) for adapter, (name, code) in CHECKOUTS.items()]
    for adapter, environment, expected, variable in wanted:
        if adapter not in chosen:
            kept = before.get(f"sharprates check tests.peers.adapters.{adapter}")
            rows += [kept] if kept else []
            continue
        if variable and variable not in os.environ:
            kept = before.get(f"sharprates check tests.peers.adapters.{adapter}")
            print(adapter, f"{variable} names no checkout: the recorded verdict stays", flush=True)
            rows += [kept] if kept else []
            continue
        row = checked(adapter, environment, expected, variable, options)
        rows.append(row)
        print(adapter, row["exit"], f"{row['seconds']} s", row["sentence"], flush=True)
    lines = [row for name in LINES for row in line(name, old["lines"], name in chosen)]
    results = {"version": 1, "checks": rows, "lines": lines}
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (HERE / "results.md").write_text(markdown(rows, lines))
    return 0 if all(row["exit"] == row["expected"] for row in rows) else 1


def markdown(rows: list[dict], lines: list[dict]) -> str:
    """The results as a page."""
    text = [
        "# Published samplers, checked",
        "",
        "Written by `make peers`. One false-alarm budget of 1e-6 for each sampler; every check's",
        "numbers, and what it did not look at, are in [results.json](results.json). Exit 0",
        "conforms, 1 fails, 3 follows no known law.",
        "",
    ]
    for row in rows:
        used = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
        if "commit" in row:
            used += f", commit {row['commit']}"
        text += [
            f"**{row['name']}** ({used})  ",
            f"`{' '.join([row['command'], *row['options'].split()])}` → exit {row['exit']}, "
            f"{row['seconds']:.0f} s  ",
            f"declared: {row['declared']}  ",
        ]
        text += [f"{row['sentence']}", ""]
    text += ["## Single numbers", ""]
    for row in lines:
        used = [f"{name} {version}" for name, version in row.get("versions", {}).items()]
        used += [f"{name} {commit}" for name, commit in row.get("commits", {}).items()]
        text += [f"**{row['question']}**" + (f" ({', '.join(used)})" if used else "") + "  "]
        text += [f"`{row['command']}`  ", f"{row['result']}  "]
        text += [f"Noted before: {row['noted']}.", ""]
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
