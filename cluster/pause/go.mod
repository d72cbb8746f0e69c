module litellm-database-operator/cluster/pause

go 1.24.0
