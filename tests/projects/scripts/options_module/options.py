"""Reads the command line when it is imported."""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--batch-size", type=int, default=8)
opt = parser.parse_args()
