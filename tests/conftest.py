"""One profile for every property test: same examples every run, and a blob to replay a failure."""

import torch
from hypothesis import HealthCheck, settings

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

# xdist workers share the cores; one thread each also makes float sums reproducible.
torch.set_num_threads(1)
