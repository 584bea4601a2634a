"""A simulated integrator.io account: a real HTTP server that behaves as the contract says.

Default of the demo and double of the tests. It shares no code with the exporter, so
that a misreading of the API cannot hide in both.
"""

from exporter.simulator.clock import ManualTime
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator, run

__all__ = ["ManualTime", "Simulator", "SimulatorOptions", "run"]
