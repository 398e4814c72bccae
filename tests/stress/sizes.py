"""How large the stress tests are: 1,000 jobs, or what WAN_STRESS_JOBS says; the smaller scenarios follow from that."""

from __future__ import annotations

import os

JOBS = int(os.environ.get("WAN_STRESS_JOBS", "1000"))
SEED = int(os.environ.get("WAN_STRESS_SEED", "20261121"))
SECOND = min(30, JOBS)  # equal prompts of a second client on the same account
PROXIED = max(20, JOBS * 3 // 10)
GATEWAY = max(20, JOBS // 5)
RACES = max(20, JOBS // 10)
CRASHES = 1 if JOBS >= 1000 else 4  # every step, or every fourth
KILLS = 10
RESTARTS = 3
LONGEST = 2400.0  # seconds until a scenario counts as hanging
