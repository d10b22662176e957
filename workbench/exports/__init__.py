"""Results as files for others: tables, summaries, documents and videos that open without the workbench."""
