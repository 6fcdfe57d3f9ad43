import { Card, Copy, Page } from '../parts.tsx'
import { state } from '../store.ts'

/** How clients mount this very server. */
export function Mount() {
  const { command, fstab, kubernetes } = state.value!.mount
  return (
    <Page title="Mount" lead="Films and shows are one NFS export. These lines are for this very server.">
      <div class="grid">
        <Card title="Now" aside="as root" wide>
          <Copy label="Mount command" text={command} />
        </Card>
        <Card title="At every start" aside="/etc/fstab" wide>
          <Copy label="Line for fstab" text={fstab} />
        </Card>
        <Card title="In Kubernetes" aside="a volume and a claim" wide>
          <Copy label="Kubernetes volume" text={kubernetes.trimEnd()} />
        </Card>
        <Card title="Then" wide>
          <p>
            Add <code>/mnt/Movies</code> and <code>/mnt/TV</code> as libraries of your media server. Live channels are a
            tuner at this page’s address; their guide is <a href="/guide.xml">guide.xml</a>.
          </p>
        </Card>
      </div>
    </Page>
  )
}
