"""Small projects, one kind each; `tests/conformance/kinds.py` lists them."""
