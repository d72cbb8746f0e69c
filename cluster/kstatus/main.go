// kstatus says what Flux, Helm 4 and everything else that waits by kstatus makes of
// objects: it reads JSON objects on stdin, one after the other, and prints a line for
// each, {"status": …, "message": …}. It ends with 1 and a word on stderr where it cannot.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Status  status.Status `json:"status"`
	Message string        `json:"message"`
}

func main() {
	if err := judge(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

// judge writes one verdict for each object that it reads.
func judge(in io.Reader, out io.Writer) error {
	objects, verdicts := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var raw json.RawMessage
		switch err := objects.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("cannot read an object: %w", err)
		}
		found, err := compute(raw)
		if err != nil {
			return err
		}
		if err := verdicts.Encode(found); err != nil {
			return fmt.Errorf("cannot write a verdict: %w", err)
		}
	}
}

// compute asks the library about one object.
func compute(raw json.RawMessage) (verdict, error) {
	var object unstructured.Unstructured
	// Not encoding/json: its float64 for a generation is what the library refuses.
	if err := object.UnmarshalJSON(raw); err != nil {
		return verdict{}, fmt.Errorf("cannot read an object: %w", err)
	}
	result, err := status.Compute(&object)
	if err != nil {
		return verdict{}, fmt.Errorf("cannot judge %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return verdict{Status: result.Status, Message: result.Message}, nil
}
