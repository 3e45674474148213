// Allocates through the Kubernetes API and follows GameServers by an informer, with Agones' own clientset, unchanged.
// Built within a clone of Agones: docs/testing.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	agonesv1 "agones.dev/agones/pkg/apis/agones/v1"
	allocationv1 "agones.dev/agones/pkg/apis/allocation/v1"
	"agones.dev/agones/pkg/client/clientset/versioned"
	"agones.dev/agones/pkg/client/informers/externalversions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	must(err)
	client, err := versioned.NewForConfig(config)
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	fleet, err := client.AgonesV1().Fleets("default").Get(ctx, "arena", metav1.GetOptions{})
	must(err)
	allocated := make(chan string, 16)
	factory := externalversions.NewSharedInformerFactory(client, 0)
	informer := factory.Agones().V1().GameServers().Informer()
	informer.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, now interface{}) {
		if gs := now.(*agonesv1.GameServer); gs.Status.State == agonesv1.GameServerStateAllocated {
			allocated <- gs.Name
		}
	}})
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		must(fmt.Errorf("the informer has not synced"))
	}
	known := len(informer.GetStore().List())
	gsa, err := client.AllocationV1().GameServerAllocations("default").Create(ctx, &allocationv1.GameServerAllocation{
		Spec: allocationv1.GameServerAllocationSpec{
			Selectors: []allocationv1.GameServerSelector{{LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"agones.dev/fleet": "arena"}}}},
		},
	}, metav1.CreateOptions{})
	must(err)
	none, err := client.AllocationV1().GameServerAllocations("default").Create(ctx, &allocationv1.GameServerAllocation{
		Spec: allocationv1.GameServerAllocationSpec{
			Selectors: []allocationv1.GameServerSelector{{LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"agones.dev/fleet": "none"}}}},
		},
	}, metav1.CreateOptions{})
	must(err)
	seen := <-allocated
	out, _ := json.Marshal(map[string]interface{}{
		"fleet": fleet.Name, "ready": fleet.Status.ReadyReplicas, "known": known, "state": gsa.Status.State,
		"server": gsa.Status.GameServerName, "port": gsa.Status.Ports[0].Port, "seen": seen, "none": none.Status.State,
	})
	fmt.Println(string(out))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
