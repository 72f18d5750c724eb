import {
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";

/** How a NATS server is reached beside its address. */
export type NatsAccess = {
  /** Who this is. A seed is that of a user's NKey; creds are the text of a credentials file. */
  readonly credentials?:
    | { readonly user: string; readonly password: string }
    | { readonly token: string }
    | { readonly nkeySeed: Uint8Array }
    | { readonly creds: Uint8Array };
  /** PEM. With it, even empty, a server without TLS is refused. Without it TLS is used where the server asks for it, with the system's authorities. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
};

/** The options of a connection. */
export function accessOptions({ credentials, tls }: NatsAccess): Pick<ConnectionOptions, "authenticator" | "tls"> {
  return {
    ...(credentials ? { authenticator: authenticatorOf(credentials) } : {}),
    ...(tls ? { tls: { ...tls } } : {}),
  };
}

function authenticatorOf(credentials: NonNullable<NatsAccess["credentials"]>) {
  if ("token" in credentials) return tokenAuthenticator(credentials.token);
  if ("nkeySeed" in credentials) return nkeyAuthenticator(credentials.nkeySeed);
  if ("creds" in credentials) return credsAuthenticator(credentials.creds);
  return usernamePasswordAuthenticator(credentials.user, credentials.password);
}
