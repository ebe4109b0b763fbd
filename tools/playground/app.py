"""The page: the fields on top, a tab each for what a miner does, and how they feed each other."""

from pathlib import Path

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settings import ROOT
from tools.playground import pictures
from tools.playground.connection import Connection
from tools.playground.lent import Lent
from tools.playground.tabs.complete import CompleteTab
from tools.playground.tabs.components import ComponentsTab
from tools.playground.tabs.feedback import FeedbackTab
from tools.playground.tabs.human_feedback import HumanFeedbackTab
from tools.playground.tabs.refine import RefineTab
from tools.playground.tabs.system import SystemTab

STYLE = Path(__file__).with_name("style.css")
# Fonts of the system: none is fetched.
FONT = ("system-ui", "-apple-system", "Segoe UI", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")

# What a model writes is shown as Markdown; without this an image in it would call home.
CONTENT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio's page needs both
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ]
)


def build(url: str, own_url: str, own_key: str) -> gr.Blocks:
    """The page, with `url` in the field of the miner's address.

    `own_key` is used, unseen, for the miner at `own_url` where no other is typed.
    """
    machines = pictures.read(ROOT / "README.md")
    page = gr.Blocks(title="Playbook Miner playground", fill_width=True)
    with page:
        gr.Markdown("# Playbook Miner playground", elem_id="pg-title")
        connection = Connection(Lent(own_url, own_key), url, machines)
        with gr.Tabs() as tabs:
            _fill(connection, tabs)
        page.load(
            connection.check_at_start,
            connection.fields,
            connection.status,
            show_progress="hidden",
            api_visibility="private",
        )
    return page


def launch(page: gr.Blocks, host: str, port: int) -> None:
    """Serve the page from threads of this process; nothing is shared, kept or reported."""
    page.queue(default_concurrency_limit=None)
    page.launch(
        server_name=host,
        server_port=port,
        share=False,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        footer_links=[],
        quiet=True,
        prevent_thread_lock=True,
        theme=gr.themes.Default(
            primary_hue="teal", neutral_hue="slate", text_size="sm", font=FONT, font_mono=MONO
        ),
        css_paths=STYLE,
        app_kwargs={"middleware": [Middleware(OnlyThisOrigin)]},
    )


class OnlyThisOrigin:
    """ASGI middleware: the browser loads nothing from elsewhere, whatever the page holds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = CONTENT_POLICY
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _fill(connection: Connection, tabs: gr.Tabs) -> None:
    with gr.Tab("Complete", id="complete"):
        complete = CompleteTab(connection)
    with gr.Tab("Feedback", id="feedback"):
        feedback = FeedbackTab(connection)
    with gr.Tab("Refine", id="refine"):
        refine = RefineTab(connection)
    with gr.Tab("Human feedback", id="human_feedback") as human_feedback_tab:
        HumanFeedbackTab(connection).load_on(human_feedback_tab)
    with gr.Tab("Other components", id="components"):
        ComponentsTab(connection)
    with gr.Tab("System", id="system") as system_tab:
        SystemTab(connection).load_on(system_tab)
    _feed(tabs, complete, feedback, refine)


def _feed(tabs: gr.Tabs, complete: CompleteTab, feedback: FeedbackTab, refine: RefineTab) -> None:
    complete.criticise.click(
        lambda last: (gr.Tabs(selected="feedback"), *last),
        complete.last,
        [tabs, *feedback.work],
        api_visibility="private",
    )
    feedback.refine.click(
        lambda *work: (gr.Tabs(selected="refine"), *work),
        [*feedback.work, feedback.feedbacks],
        [tabs, *refine.work],
        api_visibility="private",
    )
    refine.again.click(
        lambda *work: (gr.Tabs(selected="feedback"), *work),
        [refine.task, refine.question, refine.revised],
        [tabs, *feedback.work],
        api_visibility="private",
    )
