"""Simulated life of a whole cluster: clients, workloads and faults under virtual time, from one seed.

`run.simulate` plays one seed and judges it; ``python -m kit.simulation`` plays many and makes a failing one small.
Rules for the package: time comes from one `VirtualClock` and chance from one seed, so a run can be repeated exactly.
"""
