"""A button with a form beneath it that closes once the form has been sent."""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.app import session


def form_popover(label: str, name: str, width: Literal["content", "stretch"] = "content") -> DeltaGenerator:
    """Return a popover to draw a form in; the form calls :func:`close` with the same name when it has been sent."""
    sent = session.recall(f"sent {name}") or 0
    return st.popover(label, icon=":material/add:", width=width, key=f"{name} {sent}", on_change="rerun")


def begin_open(name: str) -> None:
    """Have the popover ``name`` open when it is drawn next; for use before that."""
    session.put(f"{name} {session.recall(f'sent {name}') or 0}", True)


def close(name: str) -> None:
    """Close the popover ``name`` with the next rerun: it is another one then."""
    session.remember(f"sent {name}", (session.recall(f"sent {name}") or 0) + 1)
