#!/usr/bin/env python3
"""A trainer that knows the law its losses follow, so that fits of a sweep can be checked."""
import hashlib
import json
import math
import sys

MULTIPLIERS = {"dense": 1.0, "monarch": 1.6, "low-rank:0.5": 0.7}  # of dense's compute, for equal loss

run = json.load(open(sys.argv[1], encoding="utf-8"))
noise = int(hashlib.sha256(run["id"].encode()).hexdigest()[:8], 16) / 2**32 - 0.5
print("step,examples,train_flops,loss")
for step in run["recorded_steps"]:
    flops = run["train_flops"] * step / run["steps"]
    best = 10 * run["flops_per_example"] ** 2  # compute at which this width is the right one
    distance = math.log10(max(flops, 1) / best)
    loss = (max(flops, 1) * MULTIPLIERS[run["structure"]] / 1e9) ** -0.15 * (1 + 0.1 * distance**2)
    print(f"{step},{step * run['batch']},{flops},{loss * (1 + 0.002 * noise)}")
