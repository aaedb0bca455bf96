"""The pipeline: a stage reads, calls the library and writes. Nobody imports a stage."""
