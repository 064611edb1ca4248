#!/usr/bin/env bash
# Logs made to hurt, small ones, on a machine that may be busy; tests/bench/hostile.sh is stricter.
set -euo pipefail
HTTPMON_HOSTILE=${HTTPMON_HOSTILE:-300000} HTTPMON_RUNS=3 HTTPMON_TIMES=10 exec bash tests/bench/hostile.sh
