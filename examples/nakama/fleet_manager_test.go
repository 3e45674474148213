package main

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"
)

// Against a region that runs: FORGE_ADDR, FORGE_TOKEN and FORGE_EXPERIENCE say which.
func TestFleetManagerOnForge(t *testing.T) {
	address, token := os.Getenv("FORGE_ADDR"), os.Getenv("FORGE_TOKEN")
	if address == "" {
		t.Skip("FORGE_ADDR names no region")
	}
	manager := &FleetManager{
		URL:        address,
		Token:      func() (string, error) { return token, nil },
		Experience: os.Getenv("FORGE_EXPERIENCE"),
		Client:     http.DefaultClient,
	}
	type outcome struct {
		status   runtime.FmCreateStatus
		instance *runtime.InstanceInfo
		sessions []*runtime.SessionInfo
		err      error
	}
	done := make(chan outcome, 1)
	latencies := []runtime.FleetUserLatencies{{UserId: "ann", RegionIdentifier: "us-east", LatencyInMilliseconds: 12}}
	err := manager.Create(context.Background(), 4, []string{"ann", "bob"}, latencies, nil, func(status runtime.FmCreateStatus, instance *runtime.InstanceInfo, sessions []*runtime.SessionInfo, _ map[string]any, err error) {
		done <- outcome{status, instance, sessions, err}
	})
	if err != nil {
		t.Fatal(err)
	}
	got := <-done
	if got.err != nil || got.status != runtime.CreateSuccess || len(got.sessions) != 2 || got.instance.ConnectionInfo.Port == 0 {
		t.Fatalf("no match: %+v", got)
	}
	joined, err := manager.Join(context.Background(), got.instance.Id, []string{"cy"}, nil)
	if err != nil || len(joined.SessionInfo) != 1 || joined.SessionInfo[0].SessionId == "" {
		t.Fatalf("no seat: %+v, %v", joined, err)
	}
	list, _, err := manager.List(context.Background(), "allocated", 10, "")
	if err != nil || len(list) != 1 || list[0].Id != got.instance.Id {
		t.Fatalf("not listed: %+v, %v", list, err)
	}
	if _, err := manager.Get(context.Background(), "nobody"); err == nil {
		t.Fatal("an unknown server was found")
	}
}
