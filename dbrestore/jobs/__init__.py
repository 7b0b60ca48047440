"""Work of ours as Jobs in a Kubernetes cluster, near the data: manifests, how they go, what they give."""
