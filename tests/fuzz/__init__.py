"""Fuzzing of everything that reads what somebody else wrote.

`python -m tests.fuzz` runs the targets, each in a process of its own under atheris (libFuzzer). What it finds is kept
in `found/`, and replayed by `make test` together with the seeds.
"""
