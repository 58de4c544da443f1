"""What a training step frees is there for the next one: the system is not asked for it again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# By itself: what other tests have freed before would change how the C library keeps memory.
SCRIPT = """
import resource
import torch
from nmcourse.models import VanillaRNN
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import fit

def train(n_steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    model = VanillaRNN(3, 100, 1, generator=torch.Generator().manual_seed(0))
    fit(model, MeasureWaitGo(), n_steps=n_steps, progress=False)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
train(10)
print(train(40) / 40)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a rule of glibc")
def test_a_training_step_asks_the_system_for_few_new_pages():
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert float(found.stdout) < 100  # the states of all trials alone are 430 pages of 4 KB
