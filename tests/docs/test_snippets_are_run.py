"""No command and no snippet of the documentation goes untried: here is where each is."""

import re

import pytest

from pages import PAGES, Block, blocks
from settings import ROOT

TESTS = ROOT / "tests"
CI = ".ci/run"
SNIPPETS = "docs/test_snippets.py::"
API = "docs/test_api_page.py::"
OPERATORS = "docs/test_operators_page.py::"
ENGINEERS = "docs/test_engineers_page.py::"
WALLET = "tools_wallet/test_registration_page.py::"
VLLM = "tools_vllm/test_vllm_page.py::"
EVALUATE = "tools_evaluate/test_evaluate_pages.py::"
STUDIO = "studio/test_studio_page.py::"
CLIENT = "tools_playground/test_native_client.py::"
PLAYGROUND = "tools_playground/test_playground_launcher.py::"

# Words that a block holds, and the test that runs it. Drawings and layouts are held to the code
# by tests of their own.
RUN_BY: dict[str, dict[str, str]] = {
    "README.md": {
        "&& python run.py": CI,
        "&& pytest": CI,
        "curl": f"{SNIPPETS}test_a_call_of_the_documentation_is_answered",
        "gradio_test_ui.py": f"{PLAYGROUND}test_the_command_of_the_documentation_serves_the_page",
    },
    "docs/machines.md": {
        "graph TD": "docs/test_readme.py::test_the_pictures_are_those_of_the_machines",
    },
    "docs/api.md": {
        "export MINER_API_KEY": f"{API}test_the_commands_are_answered",
        "call() {": f"{API}test_the_commands_are_answered",
        "curl": f"{API}test_the_commands_are_answered",
        "import": f"{API}test_the_programs_print_the_answer",
        "event: node": f"{API}test_the_transcript_is_that_of_a_run",
        "invalid_request": f"{API}test_the_error_is_the_one_shown",
    },
    "docs/operators.md": {
        "&& python run.py": f"{OPERATORS}test_the_first_start_is_the_one_that_is_tried",
        "systemctl": f"{OPERATORS}test_systemd_takes_the_unit_and_enables_it",
        "docker compose": "deploy/test_deploy.py::test_compose_takes_the_file_and_its_profiles",
        "--workers": "launch/test_run.py::"
        "test_the_playbook_survives_a_change_from_one_to_two_workers",
        "REDIS_URL": f"{OPERATORS}test_machines_that_share_their_stores_are_one_miner",
        "chroma run": f"{OPERATORS}test_machines_that_share_their_stores_are_one_miner",
        "upstream miners": "launch/test_upgrade.py::"
        "test_an_upgrade_of_one_miner_after_the_other_fails_no_request",
        "/export": f"{OPERATORS}test_a_user_is_copied_and_erased",
        "tools.backup miner": "tools_backup/test_backup.py::test_the_commands_of_the_page_work",
        "tools.backup --restore": "tools_backup/test_backup.py::test_the_commands_of_the_page_work",
    },
    "docs/registration.md": {
        "proxy_pass": "docs/test_proxy.py::"
        "test_tokens_come_at_once_and_a_caller_who_leaves_ends_the_run",
        "TRUSTED_PROXIES": "docs/test_proxy.py::test_wrong_keys_are_counted_by_the_callers_address",
        "curl": "docs/test_proxy.py::test_health_answers_without_a_key",
        "-m venv": f"{WALLET}test_the_lock_pins_every_package_by_hash",
        "btcli": f"{WALLET}test_btcli_takes_the_commands_as_far_as_the_network",
        "--api-url": f"{WALLET}test_the_page_signs_then_verifies",
        "--verify": f"{WALLET}test_the_page_signs_then_verifies",
    },
    "docs/vllm.md": {
        "-m venv": f"{VLLM}test_the_way_to_install_is_the_one_the_program_names",
        "LLM_PROVIDER=vllm": f"{VLLM}test_the_page_shows_the_lines_that_are_printed",
        "--dry-run": f"{VLLM}test_the_command_works",
        "openssl": f"{VLLM}test_the_command_works",
    },
    "docs/evaluation.md": {
        "tools.evaluate": f"{EVALUATE}test_the_command_works",
        '"question"': f"{EVALUATE}test_the_data_set_on_the_page_is_read",
    },
    "docs/studio.md": {
        "langgraph dev": "studio/test_studio.py::test_it_lists_all_machines_with_what_they_do",
        '{"task"': f"{STUDIO}test_the_input_it_shows_runs",
        "asyncio.run": f"{STUDIO}test_the_program_it_shows_prints_every_step",
    },
    "docs/playground.md": {
        "gradio_test_ui.py": f"{PLAYGROUND}test_the_command_of_the_documentation_serves_the_page",
    },
    "docs/engineers.md": {
        "flowchart LR": f"{ENGINEERS}test_the_picture_shows_the_rooms_of_the_house",
        "settings.py         every": f"{ENGINEERS}test_what_the_house_names_is_there",
        "asyncio.run(main())": f"{ENGINEERS}test_the_script_runs",
        "+++ b/": f"{ENGINEERS}test_each_example_applies_by_itself",
        "async def test_": f"{ENGINEERS}test_the_tests_of_the_examples_pass",
        "tools.client": f"{CLIENT}test_the_example_of_the_documentation_runs",
        "tools.reference": f"{ENGINEERS}test_the_generated_pages_tell_of_the_examples",
    },
    "notebooks/README.md": {
        "nbstripout": "notebooks/test_notebooks.py::test_the_filter_keeps_outputs_out_of_git",
    },
}


def every_block() -> list[Block]:
    return [block for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize("block", every_block(), ids=lambda block: block.page)
def test_a_test_runs_it(block: Block) -> None:
    tests = {test for words, test in RUN_BY.get(block.page, {}).items() if words in block.text}
    assert tests, f"no test runs this block of {block.page}:\n{block.text}"


@pytest.mark.parametrize(
    ("page", "words", "test"),
    [(page, words, test) for page, each in RUN_BY.items() for words, test in each.items()],
)
def test_the_test_named_is_there_and_so_is_the_block(page: str, words: str, test: str) -> None:
    assert any(words in block.text for block in blocks(page))
    if test == CI:
        assert f"""block {words!r}""" in (ROOT / CI).read_text().replace('"', "'")
        return
    file, _, function = test.partition("::")
    text = (TESTS / file).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {function}\(", text, re.MULTILINE)
