"""Compares pairs of formulas: `python -m nodes.formula_worker`, a JSON list a line in and out.

A program of its own, because a comparison may take for ever and has to be killed then.
"""

import json
import sys

from nodes.answers.maths import equal_formulas


def main() -> None:
    """Answer each line `[one, other]` with `true` or `false`."""
    equal_formulas("x+1", "1+x")  # loads what the library loads late
    for line in sys.stdin:
        print(json.dumps(equal_formulas(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
