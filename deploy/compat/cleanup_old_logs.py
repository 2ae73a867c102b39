#!/usr/bin/env python3
"""The name of the original suite's cleanup_old_logs.py for `helm cleanup-logs`: a number alone is the days that are kept. HELM names the program where it is not in the PATH."""

import os
import sys

words = sys.argv[1:]
if words and words[0].isdigit():
    words.insert(0, "--days")
os.execvp(os.environ.get("HELM", "helm"), ["helm", "cleanup-logs", *words])
