"""Lints and renders a chart with Helm's own code. A process of its own, because Helm brings Go's runtime with it.

Reads {"chart": FOLDER, "cases": {name: values}} and writes, by case, what was rendered by file, or the error.
"""

import json
import sys

import helm_python as helm


def rendered(chart: str, values: dict) -> dict:
    try:
        with helm.Chart.load(chart) as loaded:
            loaded.validate_schema(values)
            files = loaded.render(values, name="vreid", namespace="site")
    except helm.HelmError as exc:
        return {"error": str(exc)}
    return {"files": files, "lint": helm.lint(chart, values, strict=True, quiet=True)["messages"]}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump({name: rendered(asked["chart"], values) for name, values in asked["cases"].items()}, sys.stdout)
