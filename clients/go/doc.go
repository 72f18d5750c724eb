// Package ratatouille is a client of ratatouille systems: it puts models into a catalog and fetches them, averages models there, contributes
// to sessions, follows events and asks where models come from.
//
//	client, err := ratatouille.Dial("127.0.0.1:7437")
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	model, err := client.Push(ctx, "model.safetensors", ratatouille.PushOptions{Licence: "CC0-1.0"})
//
// # Calls
//
// Every call takes a context. A unary call without a deadline gets [DefaultTimeout]. Calls that may be repeated are repeated while the server
// cannot be reached, and transfers go on where they broke, as long as [WithPatience] says. Errors are [*Error]s, with the code, the reason and
// the violations that the server told; [ReasonOf] gives the reason of any error.
//
// What this package does not wrap is called with the generated stubs of [ratatouille/v1] on [Client.Conn].
//
// # Versions
//
// A server of another version may say more than this package knows. Unknown fields are kept and ignored, unknown events of a stream are passed
// over, and enumerations have whatever number came: compare with the constants that you know, and let others be.
package ratatouille
