// Command pause is the process that holds a pod's namespaces: it does nothing until it is told to end.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	// A pod that shares its process namespace has this as process 1: it inherits orphans and must reap them.
	signal.Ignore(syscall.SIGCHLD)
	<-stop
}
