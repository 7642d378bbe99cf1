"""The image of a run in a swarm, given so that all nodes execute the same one."""

import docker
from docker.errors import APIError, ImageNotFound

from orchestrator.backends.backend import Report
from orchestrator.backends.docker import image
from orchestrator.backends.outcome import EnvironmentProblem


def pinned(client: docker.DockerClient, reference: str) -> str:
    """Return an image on the manager: by ID that of the sources, by digest one of a registry.

    A node does not ask a registry for an image that is given by its ID.
    """
    if not reference:
        found = image.find(client, image.reference())
        if found is None:
            raise EnvironmentProblem(f"the manager has no image {image.reference()}")
        return found
    try:
        present = client.images.get(reference)
    except ImageNotFound:
        raise EnvironmentProblem(f"--image: the manager has no image {reference}") from None
    digests: list[str] = present.attrs["RepoDigests"]
    return digests[0] if digests else str(present.id)


def pull(client: docker.DockerClient, reference: str, report: Report) -> None:
    """Get an image of a registry on the manager; EnvironmentProblem if that fails."""
    report(f"pulling the image {reference} ...")
    try:
        client.images.pull(reference)
    except APIError as error:
        raise EnvironmentProblem(f"--image: {reference}: {error.explanation}") from error
