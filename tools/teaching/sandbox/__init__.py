"""Run the code of a submission where it can harm nothing, and ask it for results.

`session` is the grader's side. `enter` and `worker` run on the other side; they need
Python and NumPy only, and nothing of the grader can be read from there.
"""
