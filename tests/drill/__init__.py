"""The drill: a real hub between callers and fake providers of every dialect, with a network that fails in every way.

`make drill-short` runs it for about five minutes; `python -m tests.drill --seconds 20 --seed 7` for as long as you say.
Every call carries a number in its prompt, by which the proxy and the providers tell what became of it. A run fails
where a call was lost, answered twice, paid for twice, or failed although somebody could still have answered it.
"""
