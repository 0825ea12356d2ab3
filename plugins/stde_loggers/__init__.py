"""The loggers that come with stde, each a plugin in a file of its own; each needs an extra."""
