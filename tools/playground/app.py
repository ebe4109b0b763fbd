"""The page: a tab for each thing a miner does, how they feed each other, what a reload keeps."""

from pathlib import Path

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tools.playground.connection import Connection, Lent
from tools.playground.conversations import Conversations
from tools.playground.events import QUIET, fill
from tools.playground.panel import Panel
from tools.playground.tabs.chat import ChatTab
from tools.playground.tabs.components import ComponentsTab
from tools.playground.tabs.feedback import FeedbackTab
from tools.playground.tabs.playbook import PlaybookTab
from tools.playground.tabs.refine import RefineTab
from tools.playground.tabs.system import SystemTab

SCRIPT = Path(__file__).with_name("page.js")
WIDE_FOR_LIST, WIDE_FOR_PANEL = 900, 1280  # pixels; below it the sides begin folded
KEEP = "(url, key, cid, message, start) => ({ url, key, cid, message, default: start })"
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
    page = gr.Blocks(title="Playbook Miner playground", fill_width=True)
    with page:
        connection = Connection(Lent(own_url, own_key), url)
        conversations, panel = Conversations(connection), Panel()
        with gr.Tabs(elem_id="tabs") as tabs:
            chat = _fill(connection, conversations, panel, tabs)
        connection.look_on(tabs.change)
        _restore(page, connection, conversations, panel, chat)
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
        head=f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>",
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


def _fill(
    connection: Connection, conversations: Conversations, panel: Panel, tabs: gr.Tabs
) -> ChatTab:
    with gr.Tab("Chat", id="chat"):
        chat = ChatTab(connection, panel, conversations)
    with gr.Tab("Feedback", id="feedback"):
        feedback = FeedbackTab(connection, panel)
    with gr.Tab("Refine", id="refine"):
        refine = RefineTab(connection, panel)
    with gr.Tab("Playbook", id="playbook") as playbook_tab:
        PlaybookTab(connection, panel).load_on(playbook_tab.select)
    with gr.Tab("More", id="more"):
        ComponentsTab(connection, panel)
    with gr.Tab("System", id="system") as system_tab:
        SystemTab(connection).load_on(system_tab)
    _feed(tabs, chat, feedback, refine)
    return chat


def _feed(tabs: gr.Tabs, chat: ChatTab, feedback: FeedbackTab, refine: RefineTab) -> None:
    to_refine = [*feedback.work, feedback.feedbacks]
    revised = [refine.task, refine.question, refine.revised]
    for tab, filled in (
        ("feedback", fill(chat.criticise, chat.last, feedback.work, "feedback")),
        ("refine", fill(feedback.refine, to_refine, refine.work, "refine")),
        ("feedback", fill(refine.again, revised, feedback.work, "feedback")),
    ):
        filled.then(lambda tab=tab: gr.Tabs(selected=tab), None, tabs, **QUIET)


def _restore(
    page: gr.Blocks,
    connection: Connection,
    conversations: Conversations,
    panel: Panel,
    chat: ChatTab,
) -> None:
    """Bring back what this browser has kept, look for the miner, and open the conversation."""
    fields = [connection.url, connection.key, connection.cid, chat.message]
    keeping = [*fields, connection.default]
    restored = page.load(
        lambda kept: [
            *connection.restored(kept),
            kept.get("message", ""),
            gr.Sidebar(open=kept["width"] >= WIDE_FOR_LIST),
            gr.Sidebar(open=kept["width"] >= WIDE_FOR_PANEL),
        ],
        connection.kept,
        [*fields, conversations.bar, panel.bar],
        js="(kept) => ({ ...kept, width: window.innerWidth })",
        **QUIET,
    )
    chat.open_on(connection.connect_on(restored.then).then)
    changes = [field.change for field in fields]
    gr.on(changes, None, keeping, connection.kept, js=KEEP, **QUIET)
