// Go's goroutines, told by the input what to do: see shared/external.rs and alive.rs.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

// A goroutine that gives back what it is sent.
type echo struct{ there, back chan int }

func start() echo {
	one := echo{make(chan int), make(chan int)}
	go func() {
		for value := range one.there {
			one.back <- value
		}
	}()
	return one
}

// One that waits for nothing that ever comes.
func wait(forever chan int, started chan bool) {
	started <- true
	<-forever
}

func crowd(lines *bufio.Scanner) {
	forever, started := make(chan int), make(chan bool)
	for alive := 0; lines.Scan(); {
		for step, _ := strconv.Atoi(lines.Text()); alive < step; alive++ {
			go wait(forever, started)
			<-started
		}
		fmt.Println("alive", alive)
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	lines := bufio.NewScanner(os.Stdin)
	if os.Args[1] == "crowd" {
		crowd(lines)
		return
	}
	many, _ := strconv.Atoi(os.Args[2])
	all := make([]echo, many)
	for i := range all {
		all[i] = start()
	}
	other := make(chan bool)
	turn := 0
	for lines.Scan() {
		n, _ := strconv.Atoi(lines.Text())
		begin := time.Now()
		switch os.Args[1] {
		case "channels":
			for i := 0; i < n; i++ {
				all[turn].there <- i
				<-all[turn].back
				if turn++; turn == many {
					turn = 0
				}
			}
		case "yield":
			// Two goroutines that yield to each other: a round trip is two switches.
			go func() {
				for i := 0; i < n; i++ {
					runtime.Gosched()
				}
				other <- true
			}()
			for i := 0; i < n; i++ {
				runtime.Gosched()
			}
			<-other
		case "life":
			for i := 0; i < n; i++ {
				go func() { other <- true }()
				<-other
			}
		}
		fmt.Println(time.Since(begin).Nanoseconds())
	}
}
