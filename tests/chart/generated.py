"""Scrape configurations as the Prometheus operator makes them of a Probe and a ServiceMonitor.

Written from `pkg/prometheus/promcfg.go` of versions 0.49 to 0.80. What a Probe cannot say is not in it: no
`honor_labels`, and no parameters besides the target. Certificates and passwords, which are in Secrets, are left out.
"""

import re
from typing import Any

from tests.chart.rendering import Manifest, Release

POD = "test-celigo-exporter-0"

_LIMITS = ("sampleLimit", "labelLimit", "labelNameLengthLimit", "labelValueLengthLimit")


def of_probe(probe: Manifest) -> dict[str, Any]:
    """One job of a Probe with static targets; its own relabelings come last."""
    spec, meta = probe["spec"], probe["metadata"]
    given = spec["targets"]["staticConfig"]
    made: list[dict[str, Any]] = [
        {"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"},
        {"target_label": "job", "replacement": spec["jobName"]},
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": spec["prober"]["url"]},
    ]
    return {
        "job_name": f"probe/{meta['namespace']}/{meta['name']}",
        "metrics_path": spec["prober"].get("path", ""),
        "scheme": spec["prober"]["scheme"],
        "static_configs": [
            {"targets": given["static"], "labels": {"namespace": meta["namespace"], **given.get("labels", {})}}
        ],
        "relabel_configs": [*made, *map(snake, given.get("relabelingConfigs", []))],
        **_scraped(spec),
        **({"params": {"module": [spec["module"]]}} if "module" in spec else {}),
    }


def of_monitor(found: Release) -> dict[str, Any]:
    """The job of a release's ServiceMonitor, with its Pods in place of what Kubernetes would be asked for."""
    monitor = found.one("ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    return {
        "job_name": f"serviceMonitor/{monitor['metadata']['namespace']}/{monitor['metadata']['name']}/0",
        "honor_labels": endpoint["honorLabels"],
        "metrics_path": endpoint["path"],
        "params": endpoint.get("params", {}),
        "scheme": endpoint["scheme"],
        "static_configs": [
            _target(each, each["metadata"]["labels"][monitor["spec"]["jobLabel"]]) for each in found.of("Service")
        ],
        "relabel_configs": [snake(each) for each in endpoint["relabelings"]],
        **_scraped(endpoint),
    }


def _target(service: Manifest, job: str) -> dict[str, Any]:
    """The first Pod behind a Service."""
    (port,) = service["spec"]["ports"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    labels = {
        "__meta_kubernetes_pod_name": f"{name}-0",
        "job": job,
        "namespace": namespace,
        "service": name,
        "pod": f"{name}-0",
        "container": "exporter",
        "endpoint": port["name"],
    }
    return {"targets": [f"{name}.{namespace}.svc:{port['port']}"], "labels": labels}


def snake(relabeling: dict[str, Any]) -> dict[str, Any]:
    """A relabeling, or limits, in Prometheus' own names."""
    return {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name): value for name, value in relabeling.items()}


def _scraped(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "scrape_interval": spec["interval"],
        "scrape_timeout": spec["scrapeTimeout"],
        **snake({name: spec[name] for name in _LIMITS if name in spec}),
        "metric_relabel_configs": [snake(each) for each in spec.get("metricRelabelings", [])],
    }
