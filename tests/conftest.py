"""How every test runs.

On one thread: small tensors gain nothing from more, and busy machines lose. And with the same
examples each time, so that a failure is the change's own; `HYPOTHESIS_PROFILE=explore` looks
for new ones.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch read it

from hypothesis import settings

settings.register_profile("seeded", derandomize=True)
settings.register_profile("explore", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "seeded"))
