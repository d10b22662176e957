"""Results drawn as plotly figures."""
