"""The build backend that `pip install .` finds: it says how the miner is started instead."""

from typing import NoReturn


def refuse(*_: object, **__: object) -> NoReturn:
    """Ends the build; pip shows the line."""
    raise SystemExit(
        "Playbook Miner is an application that runs from its folder, with nothing to install of "
        "itself: pip install -r requirements.txt && python run.py"
    )


get_requires_for_build_wheel = get_requires_for_build_editable = refuse
get_requires_for_build_sdist = build_wheel = build_editable = build_sdist = refuse
