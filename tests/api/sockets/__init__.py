"""The client against real sockets that misbehave."""
