"""Commands about the pipeline, run from the project's root: `python -m tools.NAME --help`."""
