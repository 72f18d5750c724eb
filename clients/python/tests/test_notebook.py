"""The notebook of the examples runs, and shows what it has as tables."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from kit import ROOT, System

NOTEBOOK = ROOT / "examples/clients/python/quickstart.ipynb"


def test_the_notebook_runs_and_shows_tables(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATATOUILLE_SERVER", system.address)
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") for cell in notebook.cells), "the notebook is committed without outputs"
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pages: list[Any] = [output["data"]["text/html"] for output in shown if "text/html" in output.get("data", {})]
    texts = [output["data"]["text/plain"] for output in shown if "data" in output]
    assert texts[0] == f"<Client of {system.address}>"
    models, soup, lineage, session, refs = pages
    assert models.count("<tr>") == 5
    assert "uniform average of 3" in soup
    assert lineage.count("import of member") == 3
    assert "contributions</td><td" in session
    assert "notebook/soup" in refs
    assert [output["text"].split(" - ")[0] for output in shown if output.get("name") == "stdout"] == ["AVERAGE_INVALID"]
