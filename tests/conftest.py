"""Every test runs on one thread: small tensors gain nothing from more, and busy machines lose."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch read it
