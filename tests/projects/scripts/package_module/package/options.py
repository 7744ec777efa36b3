"""The options of `python -m package.train`."""

import argparse


def read_options():
    parser = argparse.ArgumentParser(prog="python -m package.train")
    parser.add_argument("--lr", type=float, default=1e-3)
    return parser.parse_args()
