"""What vLLM's own argument parser takes; run by a Python that has vLLM.

It prints vLLM's version, the options of `vllm serve`, each with whether it takes a value, and under
`read` what the parser reads in each of its own arguments, JSON lists of the words after `vllm`.
vllm_options.json was recorded with it, without arguments.
"""

import json
import sys

import vllm
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.utils.argparse_utils import FlexibleArgumentParser


def takes(parser: FlexibleArgumentParser) -> dict[str, bool]:
    options = {
        name: action.nargs != 0 for action in parser._actions for name in action.option_strings
    }
    return dict(sorted(options.items()))


def main() -> None:
    root = FlexibleArgumentParser()
    serve = ServeSubcommand().subparser_init(root.add_subparsers())
    found: dict[str, object] = {"vllm": vllm.__version__, "options": takes(serve)}
    if len(sys.argv) > 1:
        spaces = [vars(root.parse_args(json.loads(words))) for words in sys.argv[1:]]
        found["read"] = [{name: repr(value) for name, value in read.items()} for read in spaces]
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
