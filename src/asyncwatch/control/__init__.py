"""The control socket: questions that another process of the same user asks a watched one."""
