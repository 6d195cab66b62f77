// peer-go.go
// SPDX-License-Identifier: LGPL-2.1-or-later

// An echo server in Go: a goroutine for each connection, with a buffer of its own. GOMAXPROCS says on how many cores.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"runtime"
	"sync"
)

const bufferSize = 65536

var (
	version = flag.Bool("version", false, "print what this is")
	steps   = flag.Int("work", 0, "`steps` of work on each read")
	buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}
)

// As in echo-work.h.
func work(n int) uint32 {
	state := uint32(2463534242)
	for i := 0; i < n; i++ {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
	}
	return state
}

func serve(connection net.Conn) {
	defer connection.Close()
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	for {
		n, err := connection.Read(buffer[:])
		if err != nil {
			return
		}
		if *steps > 0 && work(*steps) == 0 {
			return // it is never 0, which the compiler cannot know
		}
		if _, err = connection.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func main() {
	flag.Parse()
	if *version {
		fmt.Println("Go", runtime.Version()[2:])
		return
	}

	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on tcp:%s\n", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection)
	}
}
