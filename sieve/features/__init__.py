"""Which latents mean something: LangFIR, concepts found by their effect, geometry."""
