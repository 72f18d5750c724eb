import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { hostOf } from "#libs/rpc";

/** What is wrong, and what to do. */
export type Problem = { readonly fact: string; readonly advice: string };

/** What was found at an address: the server's certificate, or that it does not speak TLS. Undefined: neither, such as where nothing listens. */
export type Greeting = { readonly certificate: X509Certificate } | "plain" | undefined;

const PATIENCE_MS = 3_000;

/** Greets a server by TLS, trusting whatever it shows: nothing is sent to it. */
export function greet(address: string): Promise<Greeting> {
  const host = hostOf(address);
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  if (!(port > 0)) return Promise.resolve(undefined);
  const { promise, resolve } = Promise.withResolvers<Greeting>();
  // Only names may be asked for (RFC 6066).
  const servername = isIP(host) === 0 ? host : "address.invalid";
  const socket = connect({ host, port, servername, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  socket.setTimeout(PATIENCE_MS, () => resolve(undefined));
  socket.once("secureConnect", () => {
    const { raw } = socket.getPeerCertificate();
    resolve(raw ? { certificate: new X509Certificate(raw) } : undefined);
  });
  socket.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ERR_SSL_WRONG_VERSION_NUMBER" ? "plain" : undefined));
  return promise.finally(() => socket.destroy());
}

/** The certificates of a PEM text. What is none, or is damaged, is left out. */
export function certificatesOf(pem: string): X509Certificate[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)].flatMap(([text]) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

/**
 * Why a client that trusts these authorities does not trust this certificate: its time, its name, or who signed it. Undefined where nothing
 * is wrong with any of them. Runtimes say it in words of their own, some of them not the true ones.
 * @param path of the file with the authorities
 * @param now milliseconds since 1970
 */
export function certificateProblem(
  certificate: X509Certificate,
  { address, authorities, path, now }: { address: string; authorities: readonly X509Certificate[]; path: string; now: number },
): Problem | undefined {
  if (authorities.length === 0) {
    return {
      fact: `${path} has no certificate in PEM`,
      advice: "name the file of the authority that signed the server's certificate with --ca",
    };
  }
  const renew = "give the server a new one: --tls-cert and --tls-key";
  const own = timeProblem(certificate, now);
  if (own) return { fact: `the certificate of ${address} ${own}`, advice: own.startsWith("expired") ? renew : CLOCK };
  const host = hostOf(address);
  const named = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  if (named === undefined) {
    const names = certificate.subjectAltName?.replaceAll(/(DNS|IP Address):/g, "") || nameOf(certificate.subject);
    return {
      fact: `the certificate of ${address} is for ${names}, not for ${host}`,
      advice: "reach the server by a name that its certificate has, or give it one with this name: --tls-cert and --tls-key",
    };
  }
  const signer = authorities.find((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
  if (signer === undefined) {
    const trusted = authorities.map(({ subject }) => nameOf(subject)).join(", ");
    return {
      fact: `the certificate of ${address} is signed by ${certificate.issuer === certificate.subject ? "itself" : nameOf(certificate.issuer)}, and ${path} holds ${trusted}`,
      advice: "name the file of the authority that signed it with --ca",
    };
  }
  const problem = timeProblem(signer, now);
  if (problem === undefined) return undefined;
  const advice = problem.startsWith("expired") ? "name the file of the new one with --ca" : CLOCK;
  return { fact: `the authority in ${path} ${problem}`, advice };
}

const CLOCK = "look at the clock of this machine";

function timeProblem({ validFrom, validTo }: X509Certificate, now: number): string | undefined {
  const day = (text: string) => new Date(text).toISOString().slice(0, 10);
  if (now > Date.parse(validTo)) return `expired on ${day(validTo)}`;
  return now < Date.parse(validFrom) ? `is valid only from ${day(validFrom)} on` : undefined;
}

/** The common name of who signed or was signed, or all that is said. */
function nameOf(subject: string): string {
  return /(?:^|\n)CN=(.*)/.exec(subject)?.[1] ?? subject.replaceAll("\n", ", ");
}
