"""Black-box tests of the simulator against the shared contract, over real HTTP only."""
