"""Compares pairs of formulas: `python -m nodes.formula_worker`, a JSON list a line in and out.

A program of its own, because a comparison may take for ever and has to be killed then.
"""

import faulthandler
import json
import resource
import sys

from nodes.answers.maths import equal_formulas

MOST_MEMORY = 2**30  # bytes
LONGEST_SECONDS = 20.0  # where the miner is gone that would have ended it


def main() -> None:
    """Answer each line `[one, other]` with `true` or `false`."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    equal_formulas("x+1", "1+x")  # loads what the library loads late
    for line in sys.stdin:
        faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True)
        print(json.dumps(equal_formulas(*json.loads(line))), flush=True)
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
