"""Tool calls of a model: the person's functions, the tools of MCP servers, and their calls."""
